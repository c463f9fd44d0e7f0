"""Fit a time constant to measurements, check the verdict, and forecast."""

from linear_rnn import Client

# Simulated: a room with a time constant of four hours, heated now and then.
heating = [0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0] * 3
noise = [0.03 * ((7 * k**2 + 3 * k) % 11 - 5) for k in range(len(heating))]
warmth, temperature = 0.0, []
for k, power in enumerate(heating):
    warmth = 0.7788 * warmth + 2 * power
    temperature.append(15 + warmth + noise[k])

with Client() as rnn:
    fit = rnn.fit({"power": heating, "temperature": temperature}, target="temperature")
    print(fit.summary())
    if not fit.trust:
        print("Do not quote the interval.")
    forecast = fit.forecast({"power": [1, 1, 0, 0]})
    for mean, low, high in zip(forecast.mean, forecast.new_low, forecast.new_high, strict=True):
        print(f"{mean:.1f} degrees, between {low:.1f} and {high:.1f}")
    fit.plot().save("time_constant.svg")
