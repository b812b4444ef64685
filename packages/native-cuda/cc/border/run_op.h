// Runs the op of a name, by the table of a device, with the values of its fields from JavaScript.
#pragma once
#include <map>
#include <string>

#include "../device.h"
#include "fields.h"

namespace doppel {

// By op the names of its fields, in the order in which `run_op` takes their values.
const std::map<std::string, Fields::Names>& fields_of_ops();

// Runs it, or records it while the device does. Throws std::exception with the cause: a FieldError for a field.
void run_op(const std::string& name, const Napi::Array& values, Buffers& buffers, Device& device);

// The fields of each op's struct: what they are named, and how long its buffers must be. In ops/.
#define DOPPEL_OP(name, Params) void read(Fields&, Params&);
#include "../ops.def"

}  // namespace doppel
