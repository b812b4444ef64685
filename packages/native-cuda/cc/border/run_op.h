// Runs the op of a name, by the table of a device, with the fields of a JavaScript object.
#pragma once
#include <string>
#include <vector>

#include "../device.h"
#include "fields.h"

namespace doppel {

// Throws std::exception with the cause: a FieldError for a field.
void run_op(const std::string& name, const Napi::Object& fields, Buffers& buffers, Device& device);
std::vector<std::string> op_names();

// The fields of each op's struct: what they are named, and how long its buffers must be. In ops/.
#define DOPPEL_OP(name, Params) void read(Fields&, Params&);
#include "../ops.def"

}  // namespace doppel
