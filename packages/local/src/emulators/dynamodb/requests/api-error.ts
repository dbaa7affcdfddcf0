/** An error response in DynamoDB's format. `type` is the exception's bare name. */
export class ApiError extends Error {
  readonly type: string
  readonly status: number
  /** Members of the response in addition to `__type` and `message`. */
  readonly more: Readonly<Record<string, unknown>>

  constructor(
    type: string,
    message: string,
    { status = 400, more = {} }: { readonly status?: number; readonly more?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message)
    this.type = type
    this.status = status
    this.more = more
  }
}

/** A request's members before validation. */
export type ApiInput = { readonly [member: string]: unknown }

/** An operation: takes a request's members and returns the response's. Throws `ApiError`. */
export type Operation = (input: ApiInput) => object | Promise<object>

/** Reads a required string member. */
export function requireText(input: ApiInput, member: string): string {
  const value = input[member]
  if (typeof value === 'string' && value !== '') return value
  throw new ApiError('ValidationException', `1 validation error detected: ${member} must be a text that is not empty.`)
}

/** Reads an optional string member. */
export function optionalText(input: ApiInput, member: string): string | undefined {
  return input[member] == null ? undefined : requireText(input, member)
}

/** Reads `Limit`, between 1 and `most`. @default `most` */
export function readLimit(input: ApiInput, most: number): number {
  const limit = input.Limit ?? most
  if (typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= most) return limit
  throw new ApiError(
    'ValidationException',
    `1 validation error detected: Limit must be a whole number from 1 to ${most}.`,
  )
}

/** Reads a required structure member. */
export function requireStruct(input: ApiInput, member: string): ApiInput {
  const value = input[member]
  if (isStruct(value)) return value
  throw new ApiError('ValidationException', `1 validation error detected: ${member} must be a structure.`)
}

/** Whether a parsed JSON value is an object. */
export function isStruct(value: unknown): value is ApiInput {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
