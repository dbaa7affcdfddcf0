/** A value that survives `JSON.stringify`. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined }

/** Whether the type is `any` or `unknown`, which say nothing about the value. */
type IsOpen<T> = unknown extends T ? true : false

/** Boxes of two types are assignable to each other only if the types are identical. */
interface Box<T> {
  readonly box: (value: T) => T
}

/**
 * The part of `T` that JSON would lose or change; `never` if there is none. `Above` is the union of the objects and
 * arrays around it, so that a recursive type is checked once.
 */
type NotJson<T, Above = never> =
  IsOpen<T> extends true
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
          ? Box<T> extends Above
            ? never
            : NotJson<U, Above | Box<T>>
          : T extends object
            ? Box<T> extends Above
              ? never
              : { [K in keyof T]-?: NotJson<T[K], Above | Box<T>> }[keyof T]
            : T

/**
 * `unknown` if `T` survives JSON, otherwise a type whose member name is the error message. It does not test `extends
 * Json`, because interfaces have no index signature and would fail.
 */
export type RequireJson<T> =
  NotJson<T> extends never
    ? unknown
    : {
        readonly 'An event must survive JSON.stringify, so use z.iso.datetime() or a number, not': NotJson<T>
      }
