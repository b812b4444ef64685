/** Result of a registration of a SAR and an optical scene: tie points with reasons, a correction of the ground, its quality. */

/** [column, row] in pixels of a file; 0, 0 is the upper left corner of the upper left pixel. */
export type PixelPosition = readonly [column: number, row: number];

/** [x, y] in a reference system. */
export type GroundPosition = readonly [x: number, y: number];

/** Outcome of a cell: a tie point that is used, or the reason why it is none. */
export const REASONS = [
  'used',
  'no data',
  'flat',
  'repetitive',
  'outside',
  'weak',
  'ambiguous',
  'at the border of the search',
  'not confirmed backwards',
  'rejected by the verifier',
  'off the model',
] as const;
export type Reason = (typeof REASONS)[number];

/** A cell of the grid of templates, with all that was measured on it. */
export interface TiePoint {
  /** Number of the cell, row by row from 0. */
  readonly id: number;
  readonly cell: { readonly column: number; readonly row: number };
  readonly reason: Reason;
  /** True for a point that is kept out of every fit and judges the result. */
  readonly heldOut: boolean;
  /** Centre of the template in the SAR file. */
  readonly sar: PixelPosition;
  /** Position in the optical file at which its ground was found; absent where it was not looked for. */
  readonly optical?: PixelPosition | undefined;
  /** Ground of the template's centre by the SAR file, in the registration's reference system. */
  readonly sarGround: GroundPosition;
  /** Ground of the place that was found, by the optical file's uncorrected georeference. */
  readonly opticalGround?: GroundPosition | undefined;
  /** Distance of what was found from where the georeferences put it, in pixels of the working grid. */
  readonly offset?: { readonly column: number; readonly row: number } | undefined;
  /** Covariance of the offset in squared pixels of the working grid: column-column, column-row, row-row. */
  readonly covariance?: readonly [number, number, number] | undefined;
  /** Correlation at the peak, −1 to 1. */
  readonly peak?: number | undefined;
  /** Highest other maximum of the search over the peak; 1 is fully ambiguous. Absent where there is no other one. */
  readonly ratio?: number | undefined;
  /** Distance in pixels of the working grid by which the match back from the optical scene misses the template; absent where there is no room for it. */
  readonly backward?: number | undefined;
  /** Calibrated probability of the same place, by the matcher's pair head. */
  readonly probability?: number | undefined;
  /** Distance of the point from the fitted model, in pixels of the working grid. */
  readonly residual?: { readonly column: number; readonly row: number } | undefined;
}

/** Models of a correction, from the stiffest to the most flexible. */
export const MODEL_KINDS = ['shift', 'similarity', 'affine', 'quadratic', 'spline'] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];

/**
 * A map of the plane: x′ and y′ as sums of terms over u = (x − origin.x) / scale and v = (y − origin.y) / scale, plus, for
 * a spline, weights of r² log r² around its knots. Polynomial terms come in the order 1, u, v, u², uv, v².
 */
export interface PlaneMap {
  readonly kind: ModelKind;
  readonly origin: GroundPosition;
  readonly scale: number;
  /** Coefficients of x′ and of y′: three of them for shift, similarity and affine, six for quadratic. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Knots of a spline in u, v, and their weights. */
  readonly knots?:
    | {
        readonly at: readonly (readonly [number, number])[];
        readonly x: readonly number[];
        readonly y: readonly number[];
      }
    | undefined;
}

/** Ground as the optical file states it → ground as the SAR file states it. */
export interface Correction {
  /** Reference system of both, as a text. */
  readonly crs: string;
  readonly map: PlaneMap;
}

/** One rung of the ladder of models. */
export interface Rung {
  readonly kind: ModelKind;
  readonly parameters: number;
  /** Root mean square error in pixels of the working grid by cross-validation over cells; absent where points are too few. */
  readonly crossValidated?: number | undefined;
  readonly inliers: number;
  readonly chosen: boolean;
}

/** [lower, upper] end of a 90 % interval. */
export type Interval = readonly [number, number];

export const QUALITY_FIGURES = ['biasX', 'biasY', 'rmseX', 'rmseY', 'ce90'] as const;
export type QualityFigures = Record<(typeof QUALITY_FIGURES)[number], number>;

/** Errors at the cells that no fit has seen. */
export interface Quality extends QualityFigures {
  readonly unit: 'm';
  /** Metres of a pixel of the working grid. */
  readonly pixel: number;
  /** Points that judge. */
  readonly heldOut: number;
  /** The same figures with the optical file's own georeference. */
  readonly before: QualityFigures;
  readonly intervals: Record<keyof QualityFigures, Interval>;
}

/** A test that a registration must pass to be trusted. */
export interface TrustTest {
  readonly name: string;
  readonly value: number;
  /** Bound of the value; `isMost` says of which side. */
  readonly limit: number;
  readonly isMost: boolean;
  readonly passed: boolean;
}

export interface RegisteredScene {
  /** Path as it was given. */
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly crs: string;
}

export interface Registration {
  readonly status: 'trusted' | 'refused';
  /** Why it is refused, as a sentence without full stop. */
  readonly reason?: string | undefined;
  /** Doubts that the verdict does not cover, as sentences without full stop: a trusted registration may have some. */
  readonly caveats?: readonly string[] | undefined;
  readonly sar: RegisteredScene;
  readonly optical: RegisteredScene;
  /** Grid on which both are compared. */
  readonly grid: {
    readonly crs: string;
    readonly transform: readonly number[];
    readonly width: number;
    readonly height: number;
    readonly metres: number;
  };
  readonly features: 'dense' | 'gradients' | 'both';
  /** The matcher; absent where only gradients are used. */
  readonly matcher?: { readonly name: string; readonly fingerprint: string } | undefined;
  /** Searched in each direction, in pixels of the working grid. */
  readonly radius: number;
  /** Agreement of large windows at reduced resolution; absent where there is none. */
  readonly coarse?:
    | {
        readonly column: number;
        readonly row: number;
        readonly rotation: number;
        readonly scale: number;
        /** Windows that agree, of those that were tried. */
        readonly agreeing: number;
        readonly windows: number;
      }
    | undefined;
  readonly points: readonly TiePoint[];
  readonly ladder: readonly Rung[];
  /** Absent where none could be estimated. */
  readonly correction?: Correction | undefined;
  /** 3 × 3, homogeneous: pixels of the optical file → pixels of the SAR file, the best affine map of the correction. */
  readonly matrix?: readonly (readonly number[])[] | undefined;
  readonly quality?: Quality | undefined;
  /** Tests before the registration was trusted or refused; none where nothing could be fitted. */
  readonly tests?: readonly TrustTest[] | undefined;
  readonly seconds: number;
}
