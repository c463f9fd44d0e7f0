// The shapes of what the modules exchange, for the type checker. Those of the API come from scripts/types.sh.

type Schemas = import("api").components["schemas"];
type Optimizer = Schemas["OptimizerDescription"];
type Parameter = Schemas["OptimizerParameter"];
type Summary = Schemas["DatasetSummary"];
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

type Editing = Reader & { get: () => any; accept: (value: any) => void };

/** In pixels. */
type Rect = { left: number; top: number; width: number; height: number };

/** Low and high of w_in, then low and high of w_rec. */
type View = number[];

type Plot = import("./charts/plot.js").Plot;

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

interface CostSource {
  /** fill a row with values, from w_in in steps */
  fill: (w_rec: number, w_in: number, step: number, values: Float64Array) => void;
  /** whether the values are log10(cost) instead of costs */
  logarithmic: boolean;
  /** the w_in with the lowest cost, if it is known */
  bestWIn: ((w_rec: number) => number) | null;
}

/** The edges of n bands as log10(cost), and the indices of the contours among them. The outer bands are open. */
type Bands = { edges: number[]; contours: number[] };

/** Colors from the lowest value to the highest, as [red, green, blue], and labels at positions from 0 to 1. */
type ColorScale = { title: string; colors: number[][]; ticks: { position: number; label: string }[] };

type Optimum = NonNullable<Awaited<ReturnType<typeof import("./model/data.js").fetchOptimum>>> & Pick<Evaluation, "curvature">;

/** The inputs are N rows of length T. */
type Dataset = { inputs: Float64Array[]; targets: number[] };

/** `n_total` is the number of sequences on the server. */
type LoadedDataset = Dataset & { n_total: number };

/** As the API returns it, with a cost of Infinity if it overflows. */
interface Evaluation {
  cost: number;
  log10_cost?: number | null;
  weight_gradient: Weights;
  curvature?: { largest: number | null };
  /** of the sequences, null if they are unknown */
  outputs: (number | null)[] | null;
  /** the length of a gradient that rounding alone makes, if it is known */
  resolution?: number;
}

/** As the API returns it, with a logarithm of -Infinity for zero. */
type Trace = Pick<Schemas["GradientTrace"], "gradient" | "growth_per_step" | "regime"> & { log10_magnitude: number[]; sign?: number[] };

/** The sequence that is predicted. */
interface Sample {
  /** of its dataset, from 1 */
  number: number;
  inputs: number[];
  target: number;
  /** after each step, if they are known */
  targets: number[] | null;
}

/** The gradient is that of the squared error. */
type Prediction = { sample: Sample; states: (number | null)[]; trace: Trace };

/** A type whose fields are there. */
type Present<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };

/** The request of a training run, as the API completes it. */
type RunRequest = Required<Omit<Schemas["TrainingRunRequest"], "dataset" | "network">> & {
  dataset: Required<Schemas["CountOnesDataset"]> | Required<Schemas["RememberDataset"]> | Schemas["StoredDataset"];
  network: Required<Schemas["NetworkSchema"]>;
};

/** A training run that succeeded, as the API returns it. */
type Run = {
  result: Omit<Present<Required<Schemas["TrainingRun"]>, "outcome" | "initial" | "final" | "iterations">, "request"> & { request: RunRequest };
  trajectory: Schemas["TrajectoryResponse"];
};

/** The weights that the readouts show. A number of 0 means the point. */
type Shown = { number: number } & ReturnType<typeof import("./model/shown.js").readRun>;

/** One outcome and number of iterations per cell, in rows of rising w_rec. */
type BasinMap = Awaited<ReturnType<typeof import("./model/basins.js").computeBasinMap>>;

/** Watches a job. It is called only if the computation takes long. */
type Watcher = ReturnType<typeof import("./views/progress.js").showProgress>;

/** Shows a state, and trains from it. Unless it is new, it replaces the present one in the history. */
type ShowState = (change: Partial<State>, runs: Partial<State>[], isNew?: boolean) => void;

/** A table as text or as the bytes of a file. */
type TableFile = { name: string; body: string | ArrayBuffer };

type Table = Schemas["TableSummary"];
type Column = Table["columns"][number];
type Role = Column["role"];
type Repair = Schemas["Repair"];

/** Query parameters of a table: its repairs and the roles of its columns. */
type Query = Record<string, string | number>;

/** A step of the lesson. */
interface Step {
  title: string;
  /** what the page shows */
  text: string;
  question: string;
  /** what to look at: in the lesson, it completes "Look at …" */
  hint: string;
  /** the views that the step is about, with spaces between them */
  figure: string;
  /** shown on request */
  answer: string;
  state: Partial<State>;
  /** to train, each with what differs from the state */
  runs: Partial<State>[];
}
