import type * as core from 'zod/v4/core'
import type { Json } from './json.ts'

/** A change of one row of the application's own table, both images validated. `at` is exact to the second. */
export type Change<I> =
  | { readonly type: 'insert'; readonly newImage: I; readonly oldImage?: undefined; readonly at: Date }
  | { readonly type: 'modify'; readonly newImage: I; readonly oldImage: I; readonly at: Date }
  | {
      readonly type: 'remove'
      readonly newImage?: undefined
      readonly oldImage: I
      readonly at: Date
      /** Whether the table removed it because its time to live was over. */
      readonly expired: boolean
    }

/** The shape of a row. Rows hold what DynamoDB can hold, so it may make dates and classes of it. */
export type ImageSchema = core.$ZodType

/** What a schema makes of a row. */
export type ImageOf<S extends ImageSchema> = core.output<S>

/** A row that does not fit. The issues' paths begin with `newImage` or `oldImage`. */
export interface InvalidRow {
  readonly keys: Json
  readonly issues: readonly core.$ZodIssue[]
}
