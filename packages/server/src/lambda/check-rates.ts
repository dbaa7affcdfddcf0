import { checkOptionNames, withDocs } from '@trunkline/protocol'
import { parseRate } from '../define/rate.ts'
import type { RateBound } from '../runtime/context/served-application.ts'
import type { BuiltProcedure } from '../runtime/procedures/around-resolver.ts'
import { rateOption } from '../runtime/rates/count-call.ts'
import { sampleBytes } from '../runtime/rates/count-published.ts'
import { sampleWeight } from '../runtime/rates/sample.ts'
import type { Rates } from './options.ts'

const scopes = ['connection', 'principal'] as const
const kinds = ['frames', 'subscribes', 'publishedBytes'] as const
/** A window has room for so many samples. Their number has a standard deviation of a tenth then. */
const leastSamples = 100
const leastWindowMs = 1_000
const mostWindowMs = 7_200_000 // a connection lasts two hours

/** The bounds that the option `rates` sets. Throws a `TypeError` for anything that is no rate, or is too low. */
export function checkRates(rates: Rates | undefined): readonly RateBound[] {
  if (rates === undefined) return []
  checkOptionNames('rates', rates, { connection: true, principal: true })
  return scopes.flatMap((scope) => {
    const bounds = rates[scope]
    if (bounds === undefined) return []
    checkOptionNames(`rates.${scope}`, bounds, { frames: true, subscribes: true, publishedBytes: true })
    return kinds.flatMap((kind) => (bounds[kind] === undefined ? [] : [toBound(scope, kind, bounds[kind])]))
  })
}

function toBound(scope: RateBound['scope'], kind: RateBound['kind'], text: string): RateBound {
  const name = `rates.${scope}.${kind}`
  const { limit, periodMs } = parseRate(name, text)
  const least = leastSamples * (kind === 'publishedBytes' ? sampleBytes : sampleWeight)
  const windowMs = Math.max(leastWindowMs, Math.ceil((least * periodMs) / limit))
  if (windowMs <= mostWindowMs) return { scope, kind, text, windowMs, budget: (limit * windowMs) / periodMs }
  const instead = kind === 'publishedBytes' ? '' : ` or count single procedures exactly by meta({ rate: '${text}' })`
  throw new TypeError(
    withDocs(
      'options',
      `Expected ${name} to be at least '${Math.ceil((least * 3_600_000) / mostWindowMs)}/h', since it is estimated from ` +
        `samples, got '${text}'. Raise it${instead}.`,
    ),
  )
}

/** Throws a `TypeError` for the first procedure whose `rate` cannot be parsed. It names the procedure. */
export function checkProcedureRates(procedures: object): void {
  for (const [path, procedure] of Object.entries(procedures)) {
    const rate: unknown = (procedure as Partial<BuiltProcedure> | undefined)?._def?.meta?.rate
    if (rate !== undefined) parseRate(rateOption(path), rate)
  }
}
