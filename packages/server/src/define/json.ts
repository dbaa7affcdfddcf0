/** What survives `JSON.stringify`. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined }

type IsAny<T> = 0 extends 1 & T ? true : false

/** Only the very same type fits another's box. */
interface Box<T> {
  readonly box: (value: T) => T
}

/** The part of `T` that JSON would lose or change; `never` when there is none. `Above` are the objects around it: a recursive type meets itself there, and is checked once. */
type NotJson<T, Above = never> =
  IsAny<T> extends true
    ? never
    : T extends string | number | boolean | null | undefined
      ? never
      : T extends
            | Date
            | bigint
            | symbol
            | ((...args: never[]) => unknown)
            | ReadonlyMap<unknown, unknown>
            | ReadonlySet<unknown>
            | Uint8Array
        ? T
        : T extends readonly (infer U)[]
          ? NotJson<U, Above>
          : T extends object
            ? Box<T> extends Above
              ? never
              : { [K in keyof T]-?: NotJson<T[K], Above | Box<T>> }[keyof T]
            : T

/** `unknown` when `T` survives JSON, else a message in the place of the error. A mapped check and not `extends Json`, which interfaces would fail. */
export type RequireJson<T> =
  NotJson<T> extends never
    ? unknown
    : {
        readonly 'An event must survive JSON.stringify, so use z.iso.datetime() or a number, not': NotJson<T>
      }
