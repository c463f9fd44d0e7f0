// The largest learning rate of gradient descent: above 2 over the largest curvature, it moves away from a minimum.
import { throttle } from "../lib/throttle.js";
import { LatestRequest, postJson } from "./api.js";
import { OBJECTIVE_KEYS, toObjective, toWeights } from "./requests.js";

const DELAY_MS = 150;

/** Show the limits at the point and at the optimum while gradient descent is chosen. @param {Store} store @param {{showLimits: (limits: Limit | null) => void}} result */
export function followRateLimits(store, result) {
  const show = (/** @type {Limit | null} */ limits) => result.showLimits(limits);
  const isChosen = () => store.state.optimizer === "gradient_descent";
  const request = new LatestRequest(fetchLimits, show, (problem) => problem && show(null));
  const update = throttle(DELAY_MS, () => isChosen() && request.send({ state: { ...store.state }, optimum: store.optimum }));
  store.watch(["optimizer", "w_in", "w_rec", ...OBJECTIVE_KEYS], () => {
    if (isChosen()) return update();
    request.cancel();
    show(null);
  });
}

/**
 * @param {{state: State, optimum: Weights | null}} query @param {AbortSignal} signal @returns {Promise<Limit>}
 */
async function fetchLimits({ state, optimum }, signal) {
  const points = [toWeights(state), ...(optimum ? [optimum] : [])];
  const { evaluations } = await postJson("v1/evaluate", { ...toObjective(state), points }, signal);
  const [point, best] = evaluations.map((/** @type {any} */ { curvature }) => (curvature?.largest > 0 ? 2 / curvature.largest : null));
  return { point, optimum: best ?? null };
}
