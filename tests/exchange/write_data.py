"""Write what Keras writes, for tests that run where Keras is not: needs keras and one of its backends."""

import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
HERE = Path(__file__).parent / "data"

if __name__ == "__main__":
    import keras
    import numpy as np
    from keras import layers

    keras.utils.set_random_seed(1)
    hidden = [layers.Dense(3, activation="tanh") for _ in range(10)]  # dense_10 stands after dense_2
    sequential = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, activation="relu"),
            layers.Dropout(0.2),
            *hidden,
            layers.Dense(5),
            layers.Activation("tanh"),
            layers.Dense(2, activation="softmax", use_bias=False),
        ]
    )
    given = keras.Input((3,))
    functional = keras.Model(given, layers.Dense(1, activation="sigmoid", name="alpha")(
        layers.Dense(4, activation="relu", name="zeta")(given)))  # fmt: skip
    apart = keras.Model(given, layers.Add()([layers.Dense(3)(given), given]))
    pictures = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)]
    )
    leaky = keras.Sequential([keras.Input((3,)), layers.Dense(2, activation="leaky_relu")])
    for layer in (*sequential.layers, *functional.layers):
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign(np.random.RandomState(2).randn(*layer.bias.shape))
    normalised = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(5),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dense(4, use_bias=False),
            layers.BatchNormalization(scale=False, epsilon=1e-4),
            layers.ReLU(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    late = keras.Sequential(
        [keras.Input((3,)), layers.Dense(2, activation="relu"), layers.BatchNormalization(), layers.Dense(1)]
    )
    draw = np.random.RandomState(3)
    for layer in normalised.layers:
        layer.set_weights([draw.uniform(0.2, 2, w.shape) for w in layer.get_weights()])
    X = np.random.RandomState(0).randn(3, 6).astype(np.float32)
    for name, model in (
        ("sequential", sequential), ("functional", functional), ("apart", apart), ("pictures", pictures),
        ("leaky", leaky), ("normalised", normalised), ("late", late),
    ):  # fmt: skip
        model.save(HERE / f"{name}.keras")
    sequential.save_weights(HERE / "sequential.weights.h5")
    outputs = {
        name: model.predict(X.T).T
        for name, model in (
            ("sequential", sequential),
            ("functional", functional),
            ("normalised", normalised),
        )
    }
    np.savez(HERE / "outputs.npz", X=X, **outputs)
    print(keras.__version__)
