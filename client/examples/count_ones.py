"""Train the network of the tutorial to count, and run it on a sequence."""

from linear_rnn import Client

with Client() as rnn:
    run = rnn.train(initial_weights=(-1.5, 2))
    print(run)
    sequence = [0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]
    print(f"{sequence} has {rnn.predict([sequence], model=run).outputs[0]:.3f} ones")
    run.plot(title="The path of the weights").save("count_ones.svg")
