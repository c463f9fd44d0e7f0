// The shapes of what the modules exchange, for the type checker. Browsers do not load this file. Those of
// the API come from its OpenAPI description, which scripts/types.sh turns into types.

type Schemas = import("api").components["schemas"];
type Optimizer = Schemas["OptimizerDescription"];
type Parameter = Schemas["OptimizerParameter"];
type Summary = Schemas["DatasetSummary"];
type Trajectory = Schemas["TrajectoryResponse"];
type Weights = Schemas["WeightsSchema"];
type Progress = Schemas["Progress"];
/** The state of the page, which its address holds. */
type State = typeof import("./model/state.js").DEFAULTS;
type Store = import("./model/state.js").Store;
type Problem = import("./model/api.js").Problem;
type AddressBar = import("./views/address_bar.js").AddressBar;
type Race = import("./model/race.js").Race;
type Surface = import("./views/surface.js").Surface;

/** An entry of the address that was not read, and why. */
type Ignored = { pointer: string; detail: string };

/** How to read a value: a function that returns undefined if the text is not valid, and what must be there. */
type Reader = { read: (text: string) => any; expected: string };

type Limits = { integer?: boolean } & Partial<Pick<Parameter, "minimum" | "maximum" | "exclusive_minimum" | "exclusive_maximum">>;

interface Editing extends Reader {
  accept: (value: any) => void;
  /** show the present value in the field */
  show: () => void;
}

// The cost surface

/** In pixels. */
type Rect = { left: number; top: number; width: number; height: number };

/** Low and high of w_in, then low and high of w_rec. */
type View = number[];

type Scales = ReturnType<typeof import("./lib/scales.js").makeScales>;

/** In pixels, from the top left corner of the element. */
type Position = { x: number; y: number };

interface Gestures {
  /** whether a gesture may start here */
  accepts: (target: Element) => boolean;
  /** what one pointer of this type does; a swipe becomes a drag if it goes sideways */
  start: (position: Position, type: string) => "drag" | "pan" | "swipe";
  drag: (position: Position) => void;
  /** the page scrolls instead of a zoom */
  scroll: () => void;
  /** a distance in pixels */
  pan: (x: number, y: number) => void;
  /** a pan that did not move */
  click: (position: Position) => void;
  /** a factor above 1 zooms in; the position stays where it is */
  zoom: (factor: number, position: Position) => void;
}

/** A row of evaluations along w_in: values, and their slopes by w_in and w_rec. */
type Row = { values: Float64Array; by_w_in: Float64Array; by_w_rec: Float64Array };

interface CostSource {
  /** evaluate a row, from w_in in steps */
  fill: (w_rec: number, w_in: number, step: number, row: Row) => void;
  /** whether the values are log10(cost) instead of costs */
  logarithmic: boolean;
  /** the w_in with the lowest cost, if it is known */
  bestWIn: ((w_rec: number) => number) | null;
}

type GridQuery = { state: State; resolution: number };

/** `requested` is the resolution of the query. */
type GridResult = { costs: CostSource; note: string; requested: number };

/**
 * The edges of n bands as log10(cost), and the indices of the edges that are contours. The first band
 * also has all lower costs, and the last band all higher costs.
 */
type Bands = { edges: number[]; contours: number[] };

/** Colors from the lowest value to the highest, as [red, green, blue], and labels at positions from 0 to 1. */
type ColorScale = { title: string; colors: number[][]; ticks: { position: number; label: string }[] };

/** The cost for one w_rec: (quadratic * w_in + linear) * w_in + constant. */
type Parabola = { quadratic: number; linear: number; constant: number };

// The network and its data

interface Optimum {
  w_in: number;
  w_rec: number;
  /** whether all other weights have a higher cost */
  unique: boolean;
  /** the learning rate above which gradient descent moves away from it, if there is one */
  limit: number | null;
}

/** The inputs are N rows of length T. */
type Dataset = { inputs: Float64Array[]; targets: number[] };

/** `n_total` is the number of sequences on the server. */
type LoadedDataset = Dataset & { n_total: number };

type ExampleData = { file: string; id: string; title: string; note: string };

interface Evaluation {
  /** Infinity if it overflows */
  cost: number;
  log10_cost?: number | null;
  weight_gradient: Weights;
  /** of the sequences, null if they are unknown */
  outputs: (number | null)[] | null;
  /** the length of a gradient that rounding alone makes, if it is known */
  resolution?: number;
}

interface Trace {
  /** of the cost with respect to S_0 … S_T, summed over the sequences */
  gradient: (number | null)[];
  /** of the same, -Infinity for zero */
  log10_magnitude: number[];
  /** of the same, where the gradient may be null because it overflows */
  sign?: number[];
  growth_per_step: number | null;
  regime: string | null;
}

/** The sequence that is predicted. */
interface Sample {
  inputs: number[];
  target: number;
  /** after each step, if they are known */
  targets: number[] | null;
}

/** The gradient is that of the squared error. */
type Prediction = { sample: Sample; states: (number | null)[]; trace: Trace };

type Subject = "data" | "surface" | "point" | "predict";

/** Called with null when there is nothing to show. */
interface Handlers {
  costs: (costs: CostSource | null) => void;
  optimum: (optimum: Optimum | null) => void;
  /** with the targets of the dataset */
  evaluation: (evaluation: Evaluation | null, dataset: LoadedDataset | null) => void;
  prediction: (prediction: Prediction | null) => void;
  /** what the surface leaves out, or "" */
  approximation: (note: string) => void;
  problem: (subject: Subject, problem: Problem | null, retry?: () => void) => void;
}

// Training

/** A training run that succeeded, as the API returns it. */
type Run = { result: any; trajectory: Trajectory };

/** The weights that the readouts show. A number of 0 means the point. */
type Shown = { number: number } & ReturnType<typeof import("./model/shown.js").readRun>;

interface BasinMap {
  /** as the API returns it */
  result: any;
  /** one per cell, rows of rising w_rec: iterations_exhausted, target_reached or diverged */
  outcome: string[];
  /** one per cell, meaningful where the target was reached */
  iterations: number[];
}

/** What the runs need of the page. */
interface RaceHandlers {
  progress: (name: string) => Watcher;
  problem: (problem: Problem | null) => void;
  busy: (busy: boolean) => void;
  change: (runs: Run[]) => void;
  /** runs were removed, with the function that restores them; null withdraws it */
  removed: (text: string, restore: (() => void) | null) => void;
}

/** Watches a job. It is called only if the computation takes long. */
interface Watcher {
  onProgress: (progress: Progress, cancel: () => void) => void;
  /** the connection is lost, and is opened again */
  onLost: () => void;
  onEnd: () => void;
}

// Texts

/** A step of the lesson. */
interface Step {
  title: string;
  /** what the page shows */
  text: string;
  question: string;
  /** what to look at, to complete "Look at …" */
  hint: string;
  /** the views that the step speaks of, with spaces between them */
  figure: string;
  /** shown on request */
  answer: string;
  state: Partial<State>;
  /** to train, each with what differs from the state */
  runs: Partial<State>[];
}

/** `result` has the keys of the result in the response. */
type ApiRequest = { path: string; body: object; result: (string | number)[] };
