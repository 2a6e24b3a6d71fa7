/* What the widgets' files hand to one another. Only the type checker of `make lint` reads this. */

/** A range, a point, or the latent dimensions across and up. */
type Pair = [number, number];

/** Channels, height and width of a picture. */
type PictureShape = [number, number, number];

/** The two ends of each slider, by trait: `limits` of sliders.py. */
type Limits = Record<string, Pair>;

/** How 1 is drawn. */
type Ink = "white" | "black";

/** A straight map of numbers, from values to pixels. */
type Straight = (value: number) => number;

/** A host's model: anywidget's, or the one that host.js makes. A trait's type is its widget's. */
interface Model {
  // biome-ignore lint/suspicious/noExplicitAny: what a trait holds is known where it is read
  get(name: string): any;
  set(name: string, value: unknown): void;
  on(event: string, callback: (...args: unknown[]) => void): void;
  off(event: string, callback: (...args: unknown[]) => void): void;
  save_changes(): void;
}

/** What a host hands to `render`. */
interface Mounting {
  model: Model;
  el: HTMLElement;
}

/** addEventListener until the view ends. */
type Listen = <Type extends string>(
  target: EventTarget,
  type: Type,
  handler: (event: EventOf<Type>) => void,
) => void;

type EventOf<Type> = Type extends keyof HTMLElementEventMap ? HTMLElementEventMap[Type] : Event;

type Write = (values: Record<string, unknown>) => void;

/** Says what `words` returns, at once or after a rest. */
type Say = (words: () => string) => void;

type Life = ReturnType<typeof import("./lifetime.js").makeLifetime>;
type TraitDial = ReturnType<typeof import("./trait_dials.js").makeDials>[number];
type Scale = ReturnType<typeof import("./scales.js").sliderScale>;
type Axis = ReturnType<typeof import("./scales.js").makeAxis>;
type Pad = ReturnType<typeof import("./pad.js").makePad>;
type Posterior = ReturnType<typeof import("./posterior.js").posteriorOf>;
type Drawn = SVGSVGElement;

/** The pad's two axes. */
interface Plot {
  x: Axis;
  y: Axis;
}

/** One step of a network: a dense layer, or an activation of this name. */
interface Step {
  kind: string;
  inputs?: number;
  outputs?: number;
}

/** A network that has been unpacked; its answer is overwritten by the next call. */
type Network = (input: ArrayLike<number>) => Float32Array;

/** p(z|c) at one c. */
interface Prior {
  mu: number[];
  sigma: number[];
}

/** Test pictures with a name each; `means` are their codes, (M, L). */
interface Examples {
  names: string[];
  pixels: (index: number) => Float32Array;
  shape: PictureShape;
  ink: Ink;
  means: Float32Array;
  posteriors: Float32Array;
}

/** What the pad shows; the latent explorer swaps `codes` for another model's. */
interface PadData {
  latentDim: number;
  codes: Float32Array;
  labels: Uint8Array;
  names: string[];
  scales: Scale[];
  prior: boolean;
  count: string;
  examples?: Examples;
}

/** The pad's colours: of text, of what lies behind it, and of each class that has one. */
interface PadInk {
  text: string;
  paper: string;
  classes: Map<number, string>;
}

/** The middle of a class's codes on the plane. */
interface ClassCentre {
  label: number;
  across: number;
  up: number;
}

/** A class's name on the pad, in pixels; `from` is its centre. */
interface PlacedName {
  label: number;
  left: number;
  top: number;
  from: Pair;
  moved: boolean;
}
