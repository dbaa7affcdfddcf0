import type { Kernel } from '../../kernel/kernel.ts'
import type { Random } from '../../kernel/random.ts'
import type { Peer, Wire } from '../gateway/connection.ts'

/**
 * What the proxy in front of a device does with its sockets. `blocks`: it refuses the upgrade. `hangs`: it answers
 * nothing. `mutes`: it accepts the upgrade and swallows all frames. `cuts`: it ends each socket within 20 s.
 */
export type ProxyMode = 'passes' | 'blocks' | 'hangs' | 'mutes' | 'cuts'

/** Opens a socket through a proxy. `pass` opens it without one. */
export function openThroughProxy(
  mode: ProxyMode,
  { kernel, random }: { readonly kernel: Kernel; readonly random: Random },
  { peer, pass }: { readonly peer: Peer; readonly pass: () => Wire },
): Wire {
  if (mode === 'passes') return pass()
  if (mode === 'cuts') {
    const wire = pass()
    kernel.after(random.between(100, 20_000), 'cut by a proxy', () => wire.break({ device: true, gateway: true }))
    return wire
  }
  const wire = new DeadWire()
  const after = (label: string, fn: () => void) =>
    void kernel.after(random.between(5, 500), label, () => wire.ifUsed(fn))
  if (mode === 'blocks')
    after('refused by a proxy', () => wire.end(() => peer.lost(undefined, 'the upgrade was refused')))
  if (mode === 'mutes') after('opened by a proxy', () => wire.open(() => peer.opened()))
  return wire
}

/** A socket that reaches no gateway. */
class DeadWire implements Wire {
  readonly connectionId = 'none'
  #state: 'connecting' | 'open' | 'ended' = 'connecting'

  ifUsed(fn: () => void): void {
    if (this.#state !== 'ended') fn()
  }

  open(notify: () => void): void {
    this.#state = 'open'
    notify()
  }

  end(notify: () => void): void {
    this.#state = 'ended'
    notify()
  }

  send(): boolean {
    return this.#state === 'open'
  }

  close(): void {
    this.#state = 'ended'
  }

  break(): void {
    this.#state = 'ended'
  }
}
