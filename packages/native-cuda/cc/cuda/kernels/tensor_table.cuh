// Work over many tensors in one launch. The table of them travels with the launch as a parameter of the kernel: up to
// 32,764 bytes since CUDA 12.1. Each block has a run of one tensor's elements.
#pragma once
#include "../runtime.cuh"

namespace doppel::cuda {

constexpr int64_t tensor_run = 4096;  // elements of a block

// Item: what is known of a tensor, its elements in `count`.
template <class Item> struct TensorTable {
  struct Entry {
    Item item;
    int64_t first_run;  // of all tensors' runs in a row
  };
  static constexpr int most = 28800 / sizeof(Entry);
  int tensors;
  Entry entry[most];
};

// The last entry that begins at this run or before.
template <class Item>
__device__ const typename TensorTable<Item>::Entry& entry_of(const TensorTable<Item>& table, int64_t run) {
  int low = 0, high = table.tensors - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (table.entry[middle].first_run <= run) low = middle;
    else high = middle - 1;
  }
  return table.entry[low];
}

// Calls f(table, runs) for as many tables as the items need; tensors without elements are left out.
template <class Item, class F> void each_table(const Item* items, int count, F f) {
  for (int next = 0; next < count;) {
    TensorTable<Item> table{};
    int64_t runs = 0;
    for (; next < count && table.tensors < TensorTable<Item>::most; next++) {
      if (items[next].count == 0) continue;
      table.entry[table.tensors++] = {items[next], runs};
      runs += ceil_div(items[next].count, tensor_run);
    }
    if (runs > 0) f(table, dim3(static_cast<unsigned>(runs)));
  }
}

}  // namespace doppel::cuda
