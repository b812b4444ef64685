#include "run_op.h"

namespace doppel {

namespace {

template <class Params> void run(void (*op)(const Params&, Runtime&), Fields&& fields, Runtime& runtime) {
  Params params{};
  read(fields, params);
  op(params, runtime);
}

template <class Params> Fields::Names names_of() {
  Fields::Names names;
  Params params{};
  Fields fields(names);
  read(fields, params);
  return names;
}

using Entry = void (*)(Fields&&, Device&);

const std::map<std::string, Entry> entries = {
#define DOPPEL_OP(name, Params) \
  {#name, [](Fields&& fields, Device& device) { run(device.ops().name, std::move(fields), device.runtime()); }},
#include "../ops.def"
};

}  // namespace

const std::map<std::string, Fields::Names>& fields_of_ops() {
  static const std::map<std::string, Fields::Names> fields = {
#define DOPPEL_OP(name, Params) {#name, names_of<Params>()},
#include "../ops.def"
  };
  return fields;
}

void run_op(const std::string& name, const Napi::Array& values, Buffers& buffers, Device& device) {
  const auto entry = entries.find(name);
  if (entry == entries.end()) throw std::runtime_error("there is no op \"" + name + "\"");
  const auto& [op, names] = *fields_of_ops().find(name);
  entry->second(Fields(op.c_str(), names, values, buffers), device);
}

}  // namespace doppel
