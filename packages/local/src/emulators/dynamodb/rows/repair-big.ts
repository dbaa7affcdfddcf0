import { createRequire } from 'node:module'
import { requireDynalite } from './dynalite.ts'

/**
 * Makes `require('big.js')` give the constructor that dynalite expects. Under `node --conditions import` (Vitest runs
 * its workers so when `ssr.resolve.conditions` says it) the ES module is given instead, and every number is refused.
 */
export function repairBig(): void {
  const require = createRequire(requireDynalite.resolve('dynalite'))
  const big: unknown = require('big.js')
  if (typeof big === 'function') return
  const module = require.cache[require.resolve('big.js')]
  if (module !== undefined) module.exports = module.exports.default
}
