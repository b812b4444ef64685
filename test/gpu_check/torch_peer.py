"""Times the convolutions of the preset `paper` and its training step by PyTorch on the card (cuDNN, channels last, compiled and
not), for comparison with `doppel bench ops` and `doppel bench matcher` of the same sizes.

    python3 torch_peer.py --precision fp32|tf32|bf16 [--size 112] [--batch 64] [--repeats 7]

Prints one JSON object: milliseconds (medians) of each convolution with its bias and ReLU, forward and backward, and pairs a second
of a training step.
"""
import argparse
import json
import statistics

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
parser.add_argument("--size", type=int, default=112)
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--repeats", type=int, default=7)
args = parser.parse_args()
torch.manual_seed(0)
torch.backends.cudnn.benchmark = True
torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = args.precision == "tf32"
DTYPE = torch.bfloat16 if args.precision == "bf16" else torch.float32
CHANNELS = [32, 32, 64, 64, 128, 128, 128, 128]


def median_ms(work):
    """Median time on the card of a call, after three to warm up."""
    times = []
    for _ in range(args.repeats + 3):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times[3:])


def images(*shape):
    return torch.randn(*shape, device="cuda", dtype=DTYPE).to(memory_format=torch.channels_last)


def convolutions():
    """Shape and times of each kind of convolution of the streams and of the fusion."""
    side, inputs = args.size, 1
    shapes = []
    for i, outputs in enumerate(CHANNELS):
        shapes.append((side, inputs, outputs, 1))
        inputs = outputs
        side = side // 2 if i in (1, 3, 5) else side
    shapes += [(side, 256, 256, 2), (-(-side // 2), 256, 128, 2)]
    for side, inputs, outputs, stride in dict.fromkeys(shapes):
        layer = nn.Conv2d(inputs, outputs, 3, stride, 1).to("cuda", DTYPE, memory_format=torch.channels_last)
        x = images(args.batch, inputs, side, side).requires_grad_(inputs > 1)
        y = layer(x).relu()
        dy = torch.randn_like(y)
        parameters = [*layer.parameters(), *([x] if inputs > 1 else [])]
        yield {
            **{"side": side, "ci": inputs, "co": outputs, "strides": stride},
            "forwardMs": median_ms(lambda: layer(x).relu()),
            "backwardMs": median_ms(lambda: torch.autograd.grad(y, parameters, dy, retain_graph=True)),
        }


def stream():
    layers, inputs = [], 1
    for i, outputs in enumerate(CHANNELS):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
        inputs = outputs
        if i in (1, 3, 5):
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


class Matcher(nn.Module):
    """Network of the preset `paper`."""

    def __init__(self):
        super().__init__()
        self.sar, self.optical = stream(), stream()
        self.fusion = nn.Sequential(
            *[nn.Conv2d(256, 256, 3, 2, 1), nn.ReLU(), nn.Conv2d(256, 128, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2)],
            *[nn.Flatten(), nn.LazyLinear(512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 2)],
        )

    def forward(self, sar, optical):
        return self.fusion(torch.cat([self.sar(sar), self.optical(optical)], 1))


def pairs_per_second(compiled):
    net = Matcher().to("cuda", memory_format=torch.channels_last)
    sar, optical = (torch.randn(args.batch, 1, args.size, args.size, device="cuda") for _ in range(2))
    labels = torch.randint(0, 2, (args.batch,), device="cuda")
    net(sar, optical)  # the sizes of lazy layers
    adam = torch.optim.Adam(net.parameters(), 9e-4, weight_decay=2e-3, fused=True)
    call = torch.compile(net) if compiled else net

    def step():
        adam.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=args.precision == "bf16"):
            loss = nn.functional.cross_entropy(call(sar, optical), labels)
        loss.backward()
        adam.step()

    return 1000 * args.batch / median_ms(step)


def attempt(work):
    """What a call gives, or why it cannot: a compiler may be missing."""
    try:
        return work()
    except Exception as error:
        return {"problem": str(error).splitlines()[0]}


print(
    json.dumps(
        {
            **{"torch": torch.__version__, "cudnn": torch.backends.cudnn.version(), "precision": args.precision},
            **{"size": args.size, "batch": args.batch, "convolutions": list(convolutions())},
            "train": {
                "eager": attempt(lambda: pairs_per_second(False)),
                "compiled": attempt(lambda: pairs_per_second(True)),
            },
        }
    )
)
