"""Searches of sharded and wrapped models, in two processes; and what is refused before anything runs."""

import math

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import stepsize.torch as st  # noqa: E402

SHARDED = """
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.device_mesh import init_device_mesh
import stepsize.torch as st
torch.set_num_threads(1); torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Sequential(nn.Linear(16, 16), nn.ReLU()), nn.Linear(16, 1))
mesh = init_device_mesh("cpu", (2,))
fully_shard(model[2], mesh=mesh); fully_shard(model, mesh=mesh)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
data = torch.Generator().manual_seed(dist.get_rank())
x = torch.randn(256, 8, generator=data); y = x[:, :1] * 0.5 + 0.1 * torch.randn(256, 1, generator=data)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 32, shuffle=True)
nn.functional.mse_loss(model(x), y).backward(); optimizer.step()
local = lambda: [p.detach().to_local().clone() for p in model.parameters()] + [p.grad.to_local().clone() for p in model.parameters()]
state = lambda: [v.to_local().clone() if hasattr(v, "to_local") else v for s in optimizer.state.values() for v in s.values()]
before, kept = local(), state()
MORE = {}
found = st.find(model, nn.functional.mse_loss, loader, optimizer, loader, steps=160, schedule="cosine", clip_grad_norm=1.0, **MORE)
assert all(torch.equal(a, b) for a, b in zip(before, local())) and all(a.equal(b) for a, b in zip(kept, state()))
with torch.no_grad():
    model(x)
snapshot = st.Snapshot(model, optimizer)  # after an evaluation the parameters are whole
nn.functional.mse_loss(model(x), y).backward(); optimizer.step()
with torch.no_grad():
    model(x)
snapshot.restore()
nn.functional.mse_loss(model(x), y).backward()  # training goes on
print(repr(found.lr), round(found.cost, 9), [p["loss"] for p in found.points])
"""


@pytest.mark.parametrize("more", ["{}", "{'snapshots': 'cpu', 'max_seconds': 200}"])
def test_a_sharded_model_is_searched_and_put_back(two_processes, more):
    out = two_processes(SHARDED.replace("MORE = {}", f"MORE = {more}"))
    assert out[0] == out[1] and math.isfinite(float(out[0].split()[0]))


WRAPPED = """
from torch import nn
import stepsize.torch as st
torch.set_num_threads(1); torch.manual_seed(0)
model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
data = torch.Generator().manual_seed(0)
x = torch.randn(512, 8, generator=data); y = x[:, :1] * 0.5
data = torch.utils.data.TensorDataset(x, y)
sampler = torch.utils.data.distributed.DistributedSampler(data)
loader = torch.utils.data.DataLoader(data, 32, sampler=sampler)
before = [t.clone() for t in model.state_dict().values()]
found = st.find(model, nn.functional.mse_loss, loader, optimizer, loader, epochs=20, schedule="cosine")
assert all(torch.equal(a, b) for a, b in zip(before, model.state_dict().values()))
losses = []
for batch in loader:
    optimizer.zero_grad(); loss = nn.functional.mse_loss(model(batch[0]), batch[1]); loss.backward(); optimizer.step()
    losses.append(loss.item())
print(repr(found.lr), [p["loss"] for p in found.points])
"""


def test_a_distributed_model_with_its_sampler_is_searched_and_trains_on(two_processes):
    out = two_processes(WRAPPED)
    assert out[0] == out[1] and math.isfinite(float(out[0].split()[0]))


def test_wrappers_that_cannot_be_put_back_are_refused_by_name():
    model = nn.Linear(8, 1)
    loader, loss = [(torch.randn(4, 8), torch.randn(4, 1))], nn.functional.mse_loss
    parallel = nn.DataParallel(model)
    with pytest.raises(TypeError, match="DataParallel module.*DistributedDataParallel"):
        st.find(parallel, loss, loader, torch.optim.SGD(model.parameters(), 0.1), steps=100)
    # neither package is needed for the refusal: it goes by the name of the class
    engine = type("DeepSpeedEngine", (nn.Module,), {"__module__": "deepspeed.runtime.engine"})()
    with pytest.raises(TypeError, match="DeepSpeed engine.*deepspeed.initialize"):
        st.find(engine, loss, loader, torch.optim.SGD(model.parameters(), 0.1), steps=100)
    flat = type("FullyShardedDataParallel", (nn.Module,), {"__module__": "torch.distributed.fsdp"})()
    for wrapped in (flat, nn.Sequential(model, flat)):
        with pytest.raises(TypeError, match="FSDP1 module.*fully_shard"):
            st.find(wrapped, loss, loader, torch.optim.SGD(model.parameters(), 0.1), steps=100)
