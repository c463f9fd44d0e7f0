"""Train with several optimizers from the same weights, and draw their paths on the cost."""

from linear_rnn import Adam, Client, LevenbergMarquardt, Momentum, Rprop

START = (-1.5, 2)

with Client() as rnn:
    runs = [
        rnn.train(initial_weights=START),
        rnn.train(initial_weights=START, optimizer=Rprop(eta_plus=1.5)),
        rnn.train(initial_weights=START, optimizer=Adam(learning_rate=0.05)),
        rnn.train(initial_weights=START, optimizer=Momentum(), clip={"by": "norm", "threshold": 1}),
        rnn.train(initial_weights=START, optimizer=LevenbergMarquardt()),
    ]
    for run in runs:
        print(f"{run.request['optimizer']['name']:<20}{run.outcome:<22}cost {run.final.cost:.2g}")
    rnn.surface(runs=runs).plot().save("race.svg")
