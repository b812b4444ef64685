#include "fields.h"

#include <cmath>
#include <cstring>
#include <string_view>

namespace doppel {

namespace {

std::string text_of(const Napi::Value& value) {
  if (value.IsUndefined()) return "is missing";
  if (value.IsArray()) return "is an array";
  if (value.IsNull()) return "is null";
  return "is " + value.ToString().Utf8Value();
}

}  // namespace

void Fields::fail(const char* name, const std::string& what) const { throw FieldError(std::string(op_) + ": the field " + name + " " + what); }

Napi::Value Fields::value(const char* name) const {
  const Napi::Value found = object_.Get(name);
  if (found.IsUndefined()) fail(name, "is missing");
  return found;
}

double Fields::number(const char* name) const {
  const Napi::Value found = value(name);
  if (!found.IsNumber()) fail(name, "must be a number and " + text_of(found));
  return found.As<Napi::Number>().DoubleValue();
}

double Fields::integer(const char* name, double least, double most) const {
  const double found = number(name);
  if (found >= least && found <= most && std::trunc(found) == found) return found;
  fail(name, "must be an integer from " + std::to_string(static_cast<int64_t>(least)) + " to " + std::to_string(static_cast<int64_t>(most)) + " and is " + std::to_string(found));
}

void Fields::get(const char* name, bool& to) const {
  const Napi::Value found = value(name);
  if (!found.IsBoolean()) fail(name, "must be true or false and " + text_of(found));
  to = found.As<Napi::Boolean>();
}
void Fields::get(const char* name, double& to) const { to = number(name); }
void Fields::get(const char* name, float& to) const { to = static_cast<float>(number(name)); }
void Fields::get(const char* name, Type& to) const { to = static_cast<Type>(choice(name, "float32, int32, bool")); }

// The place of the field's text in a list such as "sum, mean, max".
int Fields::choice(const char* name, const char* names) const {
  const Napi::Value found = value(name);
  char text[32];
  size_t length = 0;
  if (napi_get_value_string_utf8(found.Env(), found, text, sizeof text, &length) == napi_ok) {
    const std::string_view wanted(text, length);
    std::string_view rest(names);
    for (int index = 0;; index++) {
      const size_t end = rest.find(", ");
      if (rest.substr(0, end) == wanted) return index;
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 2);
    }
  }
  fail(name, "must be one of " + std::string(names) + " and " + text_of(found));
}

Napi::Array Fields::array(const char* name) const {
  const Napi::Value found = value(name);
  if (!found.IsArray()) fail(name, "must be an array and " + text_of(found));
  return found.As<Napi::Array>();
}

std::vector<int64_t> Fields::integers(const char* name) const {
  const Napi::Array list = array(name);
  std::vector<int64_t> numbers(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value each = list.Get(i);
    if (!each.IsNumber()) fail(name, "must hold numbers; number " + std::to_string(i) + " of it " + text_of(each));
    numbers[i] = each.As<Napi::Number>().Int64Value();
  }
  return numbers;
}

void* Fields::buffer(const char* name, int64_t count, size_t item) const { return buffer(name, value(name), count, item); }

void* Fields::buffer(const char* name, const Napi::Value& id, int64_t count, size_t item) const {
  if (!id.IsNumber()) fail(name, "must be a buffer and " + text_of(id));
  const Block& block = buffers_.at(id.As<Napi::Number>().Int32Value());
  if (count >= 0 && static_cast<size_t>(count) * item <= block.bytes) return block.data;
  fail(name, "has " + std::to_string(block.bytes) + " bytes where its shape needs " + std::to_string(count * static_cast<int64_t>(item)));
}

std::vector<float*> Fields::buffers(const char* name, const std::vector<int64_t>& counts) const {
  const Napi::Array list = array(name);
  if (list.Length() != counts.size()) fail(name, "must hold " + std::to_string(counts.size()) + " buffers and has " + std::to_string(list.Length()));
  std::vector<float*> found;
  for (uint32_t i = 0; i < list.Length(); i++) found.push_back(static_cast<float*>(buffer(name, list.Get(i), counts[i], sizeof(float))));
  return found;
}

}  // namespace doppel
