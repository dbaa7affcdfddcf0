import { TRPCClientError } from '@trpc/client'
import { trunklineError } from '@trunkline/client'
import { defined } from '@trunkline/protocol'
import { codeDocs } from '../definition/docs.ts'
import { CommandFailure } from '../definition/io.ts'

/** Why a call or a subscription failed, as JSON shows it. */
export interface FailureFacts {
  readonly message: string
  /** tRPC's code, such as `BAD_REQUEST`, or Trunkline's, such as `TIMEOUT`. */
  readonly code?: string
  /** The address of what the code means. */
  readonly docs?: string
  /** Trunkline's advice; absent for an error of the procedure. */
  readonly retry?: string
  readonly mayHaveRun?: boolean
  /** Repeats the same mutation with `--key`. */
  readonly idempotencyKey?: string
  /** The error shape's `data`, without the stack. */
  readonly data?: unknown
}

export function toFacts(error: unknown): FailureFacts {
  if (error instanceof CommandFailure) return { message: error.message, ...error.facts }
  const line = trunklineError(error)
  const message = error instanceof Error ? error.message : String(error)
  const shape =
    error instanceof TRPCClientError ? (error.data as Readonly<Record<string, unknown>> | undefined) : undefined
  const { stack: _, ...data } = shape ?? {}
  const code = line?.code ?? data['code']
  return defined({
    message,
    code: typeof code === 'string' ? code : undefined,
    docs: typeof code === 'string' ? codeDocs(code) : undefined,
    retry: line?.retry,
    mayHaveRun: line?.mayHaveRun,
    idempotencyKey: line?.idempotencyKey,
    data: shape === undefined || line !== undefined ? undefined : data,
  }) as FailureFacts
}
