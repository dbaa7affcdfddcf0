/** An answer that says no, in DynamoDB's form. `type` is the exception's bare name. */
export class ApiError extends Error {
  readonly type: string
  readonly status: number
  /** Members of the answer besides `__type` and `message`. */
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

/** A request's members, still unchecked. */
export type ApiInput = { readonly [member: string]: unknown }

/** An operation: from a request's members to the answer's. Throws `ApiError`. */
export type Operation = (input: ApiInput) => object | Promise<object>

/** A member that must be a text. */
export function requireText(input: ApiInput, member: string): string {
  const value = input[member]
  if (typeof value === 'string' && value !== '') return value
  throw new ApiError('ValidationException', `1 validation error detected: ${member} must be a text that is not empty.`)
}

/** A member that may be a text. */
export function optionalText(input: ApiInput, member: string): string | undefined {
  return input[member] == null ? undefined : requireText(input, member)
}

/** A `Limit` between 1 and `most`, which it also is when it is absent. */
export function readLimit(input: ApiInput, most: number): number {
  const limit = input.Limit ?? most
  if (typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= most) return limit
  throw new ApiError(
    'ValidationException',
    `1 validation error detected: Limit must be a whole number from 1 to ${most}.`,
  )
}

/** A member that must be a structure. */
export function requireStruct(input: ApiInput, member: string): ApiInput {
  const value = input[member]
  if (isStruct(value)) return value
  throw new ApiError('ValidationException', `1 validation error detected: ${member} must be a structure.`)
}

/** Whether a value out of JSON is an object. */
export function isStruct(value: unknown): value is ApiInput {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
