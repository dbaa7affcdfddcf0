import type { Backend } from '@trunkline/server/ports'
import type { LocalGateway } from '../../emulators/apigateway/gateway.ts'
import type { LocalClock } from '../../emulators/clock.ts'
import type { LocalFunctions } from '../../emulators/lambda/functions.ts'
import type { FaultLayer } from '../../faults/faults.ts'

/** The parts of a running line that the inspector reads and acts on. */
export interface InspectedLine {
  readonly gateway: Pick<LocalGateway, 'url' | 'connections' | 'cut' | 'expire' | 'reauthorize'>
  readonly functions: Pick<LocalFunctions, 'kill'>
  readonly functionNames: readonly string[]
  readonly faults: FaultLayer
  readonly clock: LocalClock
  /** The backend of a script. */
  readonly backend: Backend
  /** Sets when the authority of these rows ends, in epoch milliseconds. */
  readonly setAuthExp: (keys: readonly { readonly pk: string; readonly sk: string }[], authExp: number) => Promise<void>
  /** Moves the clock, and waits for what follows. */
  readonly advance: (ms: number) => Promise<void>
}
