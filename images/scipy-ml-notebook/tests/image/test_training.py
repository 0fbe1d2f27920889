"""A small training step in each library, on the CPU, with data made here."""

import os

import torch
import torchvision

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

STEPS = 200


def test_torch_learns_a_line() -> None:
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 64).unsqueeze(1)
    y = 3 * x + 0.5
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    assert torch.allclose(model(x), y, atol=0.05)


def test_torchvision_resizes() -> None:
    picture = torch.arange(16, dtype=torch.float32).reshape(1, 4, 4)
    assert torchvision.transforms.functional.resize(picture, [2, 2], antialias=True).shape == (1, 2, 2)


def test_tensorflow_learns_a_line() -> None:
    x = tf.reshape(tf.linspace(-1.0, 1.0, 64), (-1, 1))
    y = 3 * x + 0.5
    weight, bias = tf.Variable([[0.0]]), tf.Variable([0.0])
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((x @ weight + bias - y) ** 2)
        for variable, slope in zip((weight, bias), tape.gradient(loss, (weight, bias)), strict=True):
            variable.assign_sub(0.1 * slope)
    assert abs(float(weight[0, 0]) - 3) < 0.05
    assert abs(float(bias[0]) - 0.5) < 0.05


def test_a_keras_model_fits() -> None:
    tf.keras.utils.set_random_seed(0)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.1), loss="mse")
    x = tf.reshape(tf.linspace(-1.0, 1.0, 64), (-1, 1))
    history = model.fit(x, 3 * x, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
