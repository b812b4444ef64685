#include "fields.h"

#include <cstring>
#include <string_view>

namespace doppel {

namespace {

Block absent;  // stands for a buffer that is null

std::string text_of(const Napi::Value& value) {
  if (value.IsArray()) return "is an array";
  if (value.IsNull()) return "is null";
  return "is " + value.ToString().Utf8Value();
}

}  // namespace

Fields::Fields(const char* op, const Names& names, Napi::Array values, Buffers& buffers, Touched* touched)
    : op_(op), names_(&names), env_(values.Env()), values_(values), buffers_(&buffers), touched_(touched) {}

void Fields::fail(const char* name, const std::string& what) const {
  throw FieldError(std::string(op_) + ": the field " + name + " " + what);
}

void Fields::fail(const char* name, const char* expected, napi_value found) const {
  const Napi::Value value(env_, found);
  if (value.IsUndefined()) fail(name, "is missing");
  fail(name, std::string(expected) + " and " + text_of(value));
}

void Fields::fail_integer(const char* name, double found, double least, double most) const {
  auto text = [](double value) { return std::to_string(static_cast<int64_t>(value)); };
  fail(name, "must be an integer from " + text(least) + " to " + text(most) + " and is " + std::to_string(found));
}

napi_value Fields::next(const char* name) {
  if (collected_) {
    collected_->push_back(name);
    return nullptr;
  }
  if (next_ >= names_->size() || std::strcmp((*names_)[next_], name) != 0)
    throw std::logic_error(std::string(op_) + ": the field " + name + " is read out of turn");
  napi_value found;
  if (napi_get_element(env_, values_, next_++, &found) != napi_ok) fail(name, "cannot be read");
  return found;
}

double Fields::number(const char* name, double otherwise) {
  const napi_value found = next(name);
  if (!found) return otherwise;
  double number;
  if (napi_get_value_double(env_, found, &number) != napi_ok) fail(name, "must be a number", found);
  return number;
}

void Fields::get(const char* name, bool& to) {
  const napi_value found = next(name);
  if (found && napi_get_value_bool(env_, found, &to) != napi_ok) fail(name, "must be true or false", found);
}
void Fields::get(const char* name, double& to) { to = number(name, to); }
void Fields::get(const char* name, float& to) { to = static_cast<float>(number(name, to)); }
void Fields::get(const char* name, Type& to) { to = static_cast<Type>(choice(name, "float32, int32, bool")); }

// The place of the field's text in a list such as "sum, mean, max".
int Fields::choice(const char* name, const char* names) {
  const napi_value found = next(name);
  if (!found) return 0;
  char text[32];
  size_t length = 0;
  if (napi_get_value_string_utf8(env_, found, text, sizeof text, &length) == napi_ok) {
    const std::string_view wanted(text, length);
    std::string_view rest(names);
    for (int index = 0;; index++) {
      const size_t end = rest.find(',');
      if (rest.substr(0, end) == wanted) return index;
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 2);
    }
  }
  fail(name, ("must be one of " + std::string(names)).c_str(), found);
}

Napi::Array Fields::array(const char* name, napi_value found) const {
  const Napi::Value value(env_, found);
  if (!value.IsArray()) fail(name, "must be an array", found);
  return value.As<Napi::Array>();
}

std::vector<int64_t> Fields::integers(const char* name) {
  const napi_value found = next(name);
  if (!found) return {};
  const Napi::Array list = array(name, found);
  std::vector<int64_t> numbers(list.Length());
  for (uint32_t i = 0; i < numbers.size(); i++) {
    const napi_value each = list.Get(i);
    if (napi_get_value_int64(env_, each, &numbers[i]) != napi_ok) fail(name, "must hold numbers", found);
  }
  return numbers;
}

Block& Fields::block(const char* name, napi_value id, int64_t count, size_t item) const {
  int32_t number;
  if (napi_get_value_int32(env_, id, &number) != napi_ok) fail(name, "must be a buffer", id);
  Block& found = buffers_->at(number);
  if (count >= 0 && static_cast<size_t>(count) * item <= found.bytes) return found;
  fail(name, "has " + std::to_string(found.bytes) + " bytes where its shape needs " +
                 std::to_string(count * static_cast<int64_t>(item)));
}

Block& Fields::buffer(const char* name, int64_t count, size_t item, bool may_be_null) {
  const napi_value id = next(name);
  if (!id || (may_be_null && Napi::Value(env_, id).IsNull())) return absent;
  return block(name, id, count, item);
}

void* Fields::read(const Block& block) {
  if (touched_ && block.data) {
    touched_->reads.push_back(block.data);
    touched_->bytes += block.bytes;
  }
  return block.data;
}

// New values: what was derived from the old ones is out of date.
void* Fields::written(Block& block) {
  if (!touched_ && block.packed) block.packed->clear();
  return owned(block);
}

void* Fields::owned(const Block& block) {
  if (touched_ && block.data) {
    touched_->writes.push_back(block.data);
    touched_->bytes += block.bytes;
  }
  return block.data;
}

// Kernels write what they derive from it: no other op may have it meanwhile.
void Fields::in(const char* name, const float*& to, PackedCache*& packed, int64_t count) {
  Block& found = buffer(name, count, sizeof(float));
  to = static_cast<const float*>(owned(found));
  if (collected_) return;
  const std::shared_ptr<PackedCache> forms = buffers_->packed_of(found);
  packed = forms.get();
  if (touched_) kept_.push_back(forms);
}

std::vector<float*> Fields::buffers(const char* name, const std::vector<int64_t>& counts) {
  const napi_value found = next(name);
  if (!found) return {};
  const Napi::Array list = array(name, found);
  if (list.Length() != counts.size())
    fail(name, "must hold " + std::to_string(counts.size()) + " buffers and has " + std::to_string(list.Length()));
  std::vector<float*> blocks;
  for (uint32_t i = 0; i < counts.size(); i++)
    blocks.push_back(static_cast<float*>(written(block(name, list.Get(i), counts[i], sizeof(float)))));
  return blocks;
}

std::vector<const float*> Fields::buffers(const char* name, int64_t count) {
  const napi_value found = next(name);
  if (!found) return {};
  const Napi::Array list = array(name, found);
  std::vector<const float*> blocks;
  for (uint32_t i = 0; i < list.Length(); i++)
    blocks.push_back(static_cast<const float*>(read(block(name, list.Get(i), count, sizeof(float)))));
  return blocks;
}

}  // namespace doppel
