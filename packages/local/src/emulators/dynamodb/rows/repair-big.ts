import { createRequire } from 'node:module'
import { requireDynalite } from './dynalite.ts'

/**
 * Makes `require('big.js')` return the constructor that dynalite expects. Under `node --conditions import` (which
 * Vitest sets from `ssr.resolve.conditions`), `require` returns the ES module instead, and dynalite rejects every
 * number.
 */
export function repairBig(): void {
  const require = createRequire(requireDynalite.resolve('dynalite'))
  const big: unknown = require('big.js')
  if (typeof big === 'function') return
  const module = require.cache[require.resolve('big.js')]
  if (module !== undefined) module.exports = module.exports.default
}
