"""Trace vanishing and exploding gradients over 30 steps."""

from linear_rnn import Client

with Client() as rnn:
    trace = rnn.trace(
        points=[(2, 0.5), (2, 1), (2, 1.5)], dataset={"kind": "count_ones", "n_steps": 30}
    )
    for each in trace.traces:
        first, last = each.log10_magnitude[0], each.log10_magnitude[-1]
        print(f"w_rec {each.point.w_rec}: {each.regime}, 10^{first - last:+.1f} over 30 steps")
    trace.plot(theme="dark").save("exploding_gradients.png")
