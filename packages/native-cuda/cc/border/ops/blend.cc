#include "../run_op.h"

namespace doppel {

void read(Fields& f, Blend& p) {
  const std::vector<int64_t> counts = f.integers("counts");
  const auto a = f.buffers("a", counts), b = f.buffers("b", counts), y = f.buffers("y", counts);
  std::vector<BlendTensor> tensors;
  for (size_t i = 0; i < counts.size(); i++) tensors.push_back({counts[i], a[i], b[i], y[i]});
  p.tensors = static_cast<int>(tensors.size());
  p.tensor = f.keep(std::move(tensors));
  f.get("alpha", p.alpha);
  f.get("beta", p.beta);
}

}  // namespace doppel
