import { expectTypeOf, test } from 'vitest'
import type * as z from 'zod/mini'
import type { clientFrame, serverFrame } from '../schemas.ts'
import type { AuthFrame, ClientFrame, ServerFrame } from './frames.ts'

type ClientOutput = z.output<typeof clientFrame>
type ServerOutput = z.output<typeof serverFrame>
type Named<Frames, Members> = Extract<Frames, Members>

test('the schemas have exactly the types of the declared frames', () => {
  expectTypeOf<ClientOutput>().toExtend<ClientFrame>()
  expectTypeOf<Mutable<ClientFrame>>().toExtend<ClientOutput>()
  expectTypeOf<ServerOutput>().toExtend<ServerFrame>()
  expectTypeOf<Mutable<ServerFrame>>().toExtend<ServerOutput>()
})

test('a frame without its required members does not match the types', () => {
  expectTypeOf<{ id: 1; method: 'hello'; params: 1 }>().toExtend<ClientFrame>()
  expectTypeOf<{ method: 'hello' }>().not.toExtend<ClientFrame>()
  expectTypeOf<{ id: 1; method: 'sync' }>().not.toExtend<ClientOutput>()
  expectTypeOf<{ id: 1; result: { type: 'advance'; id: 'e:1' } }>().not.toExtend<ServerOutput>()
  expectTypeOf<{ id: 1; method: 'auth'; params: { token: null } }>().not.toExtend<ClientOutput>()
  expectTypeOf<{ id: 1; method: 'mutation'; params: { path: 'p'; resend: false } }>().not.toExtend<ClientOutput>()
  expectTypeOf<{ id: 1; result: { type: 'snapshot'; id: 'e:1' } }>().not.toExtend<ServerOutput>()
  expectTypeOf<{ id: 1; result: { type: 'authorized' } }>().not.toExtend<ServerOutput>()
  expectTypeOf<{ id: 1; result: { type: 'started'; snapshot: false } }>().not.toExtend<ServerOutput>()
  expectTypeOf<Named<ClientOutput, { method: 'auth' }>>().toEqualTypeOf<Mutable<AuthFrame>>()
  expectTypeOf<Named<ServerOutput, { pong: true }>>().toEqualTypeOf<{ pong: true }>()
})

/** Removes `readonly` at all levels, since zod's outputs have none. */
type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T
