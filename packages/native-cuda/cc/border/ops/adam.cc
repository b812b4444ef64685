#include "../run_op.h"

namespace doppel {

void read(Fields& f, Adam& a) {
  const std::vector<int64_t> counts = f.integers("counts");
  const auto p = f.buffers("p", counts), g = f.buffers("g", counts), m = f.buffers("m", counts),
             v = f.buffers("v", counts);
  const auto p_out = f.buffers("pOut", counts), m_out = f.buffers("mOut", counts), v_out = f.buffers("vOut", counts);
  std::vector<AdamTensor> tensors;
  for (size_t i = 0; i < counts.size(); i++)
    tensors.push_back({counts[i], p[i], g[i], m[i], v[i], p_out[i], m_out[i], v_out[i]});
  a.tensors = static_cast<int>(tensors.size());
  a.tensor = f.keep(std::move(tensors));
  f.get("learningRate", a.learning_rate);
  f.get("beta1", a.beta1);
  f.get("beta2", a.beta2);
  f.get("epsilon", a.epsilon);
  f.positive("step", a.step);
  f.in_if_given("rate", a.rate, 1);
}

}  // namespace doppel
