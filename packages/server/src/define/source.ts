import type * as core from 'zod/v4/core'
import type { Json } from './json.ts'

/** A change of one row of the application's table, with validated images. `at` is exact to the second. */
export type Change<I> =
  | { readonly type: 'insert'; readonly newImage: I; readonly oldImage?: undefined; readonly at: Date }
  | { readonly type: 'modify'; readonly newImage: I; readonly oldImage: I; readonly at: Date }
  | {
      readonly type: 'remove'
      readonly newImage?: undefined
      readonly oldImage: I
      readonly at: Date
      /** Whether TTL removed the row. */
      readonly expired: boolean
    }

/** The schema of a row. Its output need not survive JSON. */
export type ImageSchema = core.$ZodType

/** The output of a row's schema. */
export type ImageOf<S extends ImageSchema> = core.output<S>

/** A row that its schema rejects. The issues' paths begin with `newImage` or `oldImage`. */
export interface InvalidRow {
  readonly keys: Json
  readonly issues: readonly core.$ZodIssue[]
}
