"""JAX: all functions are compiled ahead of time, so that no time includes compilation."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

jax.config.update("jax_enable_x64", True)
Array = NDArray[np.float64]
Slope = Callable[[Any], Any]
Trainer = Callable[[Array, Array], Array]


def _cost(weights: Any, x: Any, t: Any, unroll: int) -> Any:
    """Return the cost for inputs (T, N)."""

    def step(state: Any, inputs: Any) -> tuple[Any, None]:
        return weights[1] * state + weights[0] * inputs, None

    outputs, _ = jax.lax.scan(step, jnp.zeros_like(t), x, unroll=unroll)
    return jnp.mean((outputs - t) ** 2)


def _rprop(slope: Slope, n_iterations: int, outer: int) -> Any:
    def iterate(carry: Any, _: None) -> tuple[Any, Any]:
        weights, steps, signs = carry
        new_signs = jnp.sign(slope(weights))
        steps = steps * jnp.where(new_signs == signs, 1.2, 0.5)
        weights = weights - new_signs * steps
        return (weights, steps, new_signs), weights

    begin = (jnp.array([-1.5, 2.0]), jnp.full(2, 0.001), jnp.zeros(2))
    _, path = jax.lax.scan(iterate, begin, None, length=n_iterations, unroll=outer)
    return jnp.concatenate([begin[0][None], path])


def _by_scan(rows: Any, t: Any, *, n_iterations: int, unroll: int) -> Any:
    slope = jax.grad(_cost)
    return _rprop(lambda weights: slope(weights, rows.T, t, unroll), n_iterations, 1)


def _by_powers(rows: Any, t: Any, *, n_iterations: int, outer: int, together: bool) -> Any:
    """Compute outputs as x · powers of w_rec: matrix products replace the loop over time."""
    n_samples, n_steps = rows.shape
    exponents = jnp.arange(n_steps - 1, -1, -1)

    def slope(weights: Any) -> Any:
        w_in, w_rec = weights
        powers = w_rec**exponents
        slopes = exponents * w_rec ** jnp.maximum(exponents - 1, 0)
        if together:
            plain, bent = jnp.stack([powers, slopes]) @ rows.T
        else:
            plain, bent = rows @ powers, rows @ slopes
        error = 2.0 * (w_in * plain - t) / n_samples
        return jnp.stack([error @ plain, w_in * (error @ bent)])

    return _rprop(slope, n_iterations, outer)


def _variants(n_samples: int, n_steps: int) -> dict[str, Any]:
    """Return the variants that may be the fastest at this size."""
    variants = {
        "JAX, powers": partial(_by_powers, outer=1, together=False),
        "JAX, powers together": partial(_by_powers, outer=1, together=True),
    }
    if n_samples * n_steps <= 1_000_000:
        # For more data this stores a gigabyte of states and takes minutes.
        variants["JAX, scan"] = partial(_by_scan, unroll=1)
    if n_steps <= 20:
        variants["JAX, powers unrolled"] = partial(_by_powers, outer=5, together=False)
        variants["JAX, scan unrolled"] = partial(_by_scan, unroll=n_steps)
    return variants


@cache
def make_trainer(name: str, n_samples: int, n_steps: int, n_iterations: int = 500) -> Trainer:
    """Return a variant compiled for one size."""
    shapes = (
        jax.ShapeDtypeStruct((n_samples, n_steps), jnp.float64),
        jax.ShapeDtypeStruct((n_samples,), jnp.float64),
    )
    variant = partial(_variants(n_samples, n_steps)[name], n_iterations=n_iterations)
    compiled = jax.jit(variant).lower(*shapes).compile()
    return lambda inputs, targets: np.asarray(compiled(inputs, targets))


def make_trainers(n_samples: int, n_steps: int) -> dict[str, Trainer]:
    """Return all variants compiled for one size."""
    return {name: make_trainer(name, n_samples, n_steps) for name in _variants(n_samples, n_steps)}


@jax.jit  # type: ignore[untyped-decorator]
def _evaluate_points(w_in: Any, w_rec: Any, x: Any, t: Any) -> Any:
    grid_in, grid_rec = jnp.meshgrid(w_in, w_rec)

    def step(state: Any, inputs: Any) -> tuple[Any, None]:
        return grid_rec[..., None] * state + grid_in[..., None] * inputs, None

    begin = jnp.zeros((*grid_in.shape, len(t)))
    outputs, _ = jax.lax.scan(step, begin, x, unroll=x.shape[0])
    return jnp.mean((outputs - t) ** 2, axis=-1)


@jax.jit  # type: ignore[untyped-decorator]
def _evaluate_rows(w_in: Any, w_rec: Any, x: Any, t: Any) -> Any:
    """Run the network once per row: without an activation the state is proportional to w_in."""

    def step(state: Any, inputs: Any) -> tuple[Any, None]:
        return w_rec[:, None] * state + inputs, None

    unit_states, _ = jax.lax.scan(step, jnp.zeros((len(w_rec), len(t))), x, unroll=x.shape[0])
    return jnp.mean((w_in[:, None] * unit_states[:, None, :] - t) ** 2, axis=-1)


def surface(inputs: Array, targets: Array, w_in: Array, w_rec: Array) -> Array:
    """Return the cost on a grid, with one run of the network per point."""
    return np.asarray(_evaluate_points(w_in, w_rec, inputs.T, targets))


def surface_by_rows(inputs: Array, targets: Array, w_in: Array, w_rec: Array) -> Array:
    """Return the cost on a grid, with one run of the network per row."""
    return np.asarray(_evaluate_rows(w_in, w_rec, inputs.T, targets))


@partial(jax.jit, static_argnames=("n_iterations", "unroll"))
def _basins(starts: Any, x: Any, t: Any, n_iterations: int, unroll: int) -> Any:
    slope = jax.vmap(jax.grad(_cost), in_axes=(0, None, None, None))

    def iterate(_: Any, carry: Any) -> Any:
        weights, steps, signs = carry
        new_signs = jnp.sign(slope(weights, x, t, unroll))
        steps = steps * jnp.where(new_signs == signs, 1.2, 0.5)
        return weights - new_signs * steps, steps, new_signs

    begin = (starts, jnp.full_like(starts, 0.001), jnp.zeros_like(starts))
    weights, _, _ = jax.lax.fori_loop(0, n_iterations, iterate, begin)
    return weights


def basins(
    inputs: Array, targets: Array, w_in: Array, w_rec: Array, n_iterations: int = 500
) -> Array:
    """Train from every start of a grid with a vmap of backpropagation; return (2, ny, nx)."""
    starts = np.stack(np.meshgrid(w_in, w_rec), axis=-1).reshape(-1, 2)
    weights = _basins(starts, inputs.T, targets, n_iterations, inputs.shape[1])
    return np.asarray(weights).T.reshape(2, len(w_rec), len(w_in))
