"""A GPU is there for both libraries and computes the right numbers. Nothing is downloaded."""

import numpy as np
import pytest
import tensorflow as tf
import torch

SIZE = 512
# Single precision, and the tensor cores' shorter one where a library chooses it.
TOLERANCE = 5e-2
with_cuda = pytest.mark.skipif(not tf.test.is_built_with_cuda(), reason="this TensorFlow is for the CPU")


def operands() -> tuple[np.ndarray, np.ndarray]:
    """Return two square matrices with numbers around zero."""
    random = np.random.default_rng(0)
    return tuple(random.standard_normal((SIZE, SIZE)).astype(np.float32) for _ in range(2))


def test_torch_sees_a_gpu() -> None:
    assert torch.cuda.is_available()
    assert torch.cuda.device_count() >= 1


def test_torch_multiplies_on_the_gpu() -> None:
    left, right = operands()
    product = (torch.from_numpy(left).cuda() @ torch.from_numpy(right).cuda()).cpu().numpy()
    assert np.allclose(product, left @ right, atol=TOLERANCE)


def test_torch_derives_on_the_gpu() -> None:
    x = torch.linspace(0, 1, 100, device="cuda", requires_grad=True)
    (x**2).sum().backward()
    assert x.grad is not None
    assert torch.allclose(x.grad, 2 * x.detach())


@with_cuda
def test_tensorflow_sees_a_gpu() -> None:
    assert tf.config.list_physical_devices("GPU")


@with_cuda
def test_tensorflow_multiplies_on_the_gpu() -> None:
    left, right = operands()
    with tf.device("/GPU:0"):
        product = tf.matmul(left, right)
    assert "GPU" in product.device
    assert np.allclose(product.numpy(), left @ right, atol=TOLERANCE)
