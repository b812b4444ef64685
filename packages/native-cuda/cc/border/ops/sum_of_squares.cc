#include "../run_op.h"

namespace doppel {

void read(Fields& f, SumOfSquares& p) {
  const std::vector<int64_t> counts = f.integers("counts");
  const auto x = f.buffers("x", counts);
  std::vector<SquaredTensor> tensors;
  for (size_t i = 0; i < counts.size(); i++) tensors.push_back({counts[i], x[i]});
  p.tensors = static_cast<int>(tensors.size());
  p.tensor = f.keep(std::move(tensors));
  f.out("y", p.y, 1);
}

}  // namespace doppel
