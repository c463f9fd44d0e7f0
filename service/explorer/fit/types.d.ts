// The shapes that the modules of this page exchange, for the type checker.

type Span = Schemas["Span"];
type Gain = Schemas["Estimate"];

/** The options of a fit: those that the page offers, and those that a link may have. */
type FitOptions = {
  initial_state: string | number;
  /** by default one for each of several long sequences, and otherwise one for all */
  offset?: boolean | number | "each";
  delay: number | { low: number; high: number };
  noise: "white" | "ar1";
  w_rec: { low: number; high: number };
  /** a number, `per_input` or groups of inputs */
  time_constants?: number | string | string[][];
  direct?: string[];
  curves?: string[];
  trend?: boolean;
  season?: number | { period: number; harmonics: number } | null;
  variance?: string;
  gains?: Record<string, number> | "each";
  confidence?: number;
};

/** A fit that succeeded, with its request as the service resolved it. */
type Fit = Omit<
  Present<
    Required<Schemas["FitResource"]>,
    | ("id" | "inputs" | "target" | "delay" | "cost" | "rmse" | "n_targets")
    | ("degrees_of_freedom" | "minima" | "residuals" | "trust" | "alternatives" | "links" | "summary")
  >,
  "request"
> & { request: FitOptions & { dataset: { id: string }; step: { length: number; unit: string }; confidence: number } };

type Series = Present<Schemas["DatasetSummary"], "inputs" | "target" | "step">;

/** What is drawn over time, NaN where a number is missing. */
type Rows = Record<"sequence" | "step" | "target" | "prediction" | "low" | "high" | "innovation", number[]> & {
  /** dates, or numbers as text, if the table has times */
  time?: string[];
};

/** A table as it was loaded. */
type Source = TableFile & {
  /** the name of an example */
  example: string;
  /** true if the user has a file of it */
  isFile: boolean;
  /** the paths of what was stored for it, to be deleted on request */
  stored: Set<string>;
};

/** The table as the service reads it is null until it has been read. */
type Question = { source: Source; query: Query; table: Table | null; options: FitOptions };

type Upload = { path: string; body: Source["body"]; dataset: Series };

type Answer = {
  question: Question;
  dataset: Series;
  fit: Fit;
  rows: Rows;
  /** the lowest cost for each w_rec, and the criterion of autocorrelated noise */
  profile: { w_rec: number[]; cost: number[]; criterion: number[] };
  /** the range of w_rec that is drawn */
  window: [number, number];
  /** true as soon as a fit of another w_rec has taken too long */
  isLarge: boolean;
};

/** The best fit with another w_rec; its rows are null if they take too long. */
type Comparison = { w_rec: number; rmse: number; rows: Pick<Rows, "prediction" | "innovation"> | null };

/** Numbers per step. The ends of a band may be null. */
type Line = Record<"outputs" | "low" | "high", number[]> & Partial<Record<"new_low" | "new_high", number[]>>;
type Forecast = Pick<Schemas["FitPredictResponse"], "times" | "summary"> & { differences: Line[] | null } & Record<
    "outputs" | "low" | "high" | "new_low" | "new_high",
    number[][]
  >;

/** The inputs of the steps ahead, one row for each, and where they come from. */
type Plan = { fill: "average" | "held" | "zero" | "repeated" | "same" | "own"; rows: number[][] };

/** What is drawn of the steps ahead; the predictions are null until they arrive. */
type Outlook = {
  answer: Answer;
  /** its index */
  sequence: number;
  /** the inputs of the sequence */
  past: number[][];
  /** the inputs of one plan or of two */
  plans: number[][][];
  forecast: Forecast | null;
};

type FitStore = import("./store.js").Store;

/** What an entry of the history shows. */
type Visit = Pick<FitStore, "question" | "answer" | "problem">;
