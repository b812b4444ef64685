#include "run_op.h"

#include <map>
#include <string_view>

namespace doppel {

namespace {

template <class Params> void run(void (*op)(const Params&, Runtime&), Fields&& fields, Runtime& runtime) {
  Params params{};
  read(fields, params);
  op(params, runtime);
}

using Entry = void (*)(Fields&&, Device&);

const std::map<std::string_view, Entry> entries = {
#define DOPPEL_OP(name, Params) {#name, [](Fields&& fields, Device& device) { run(device.ops().name, std::move(fields), device.runtime()); }},
#include "../ops.def"
};

}  // namespace

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries) names.emplace_back(name);
  return names;
}

void run_op(const std::string& name, const Napi::Object& fields, Buffers& buffers, Device& device) {
  const auto found = entries.find(name);
  if (found != entries.end()) return found->second(Fields(found->first.data(), fields, buffers), device);
  std::string list;
  for (const auto& [each, entry] : entries) list += (list.empty() ? "" : ", ") + std::string(each);
  throw std::runtime_error("there is no op \"" + name + "\"; there are " + list);
}

}  // namespace doppel
