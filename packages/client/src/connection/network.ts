/** What a browser says of the network and of its user. Node says nothing: there we are always online. */
interface BrowserLike {
  readonly navigator?: { readonly onLine?: boolean }
  readonly document?: EventsLike & { readonly visibilityState?: string }
}
interface EventsLike {
  addEventListener?(type: string, listener: () => void): void
  removeEventListener?(type: string, listener: () => void): void
}

const browser = globalThis as unknown as BrowserLike & EventsLike // neither Node's types nor the DOM's know all of it

/** False only where the browser is sure. */
export function isOnline(): boolean {
  return browser.navigator?.onLine !== false
}

/** Calls `listener` when the network is back, or the user is. Returns the way to stop. */
export function onWake(listener: () => void): () => void {
  const { document } = browser
  const whenVisible = () => document?.visibilityState === 'visible' && listener()
  browser.addEventListener?.('online', listener)
  document?.addEventListener?.('visibilitychange', whenVisible)
  return () => {
    browser.removeEventListener?.('online', listener)
    document?.removeEventListener?.('visibilitychange', whenVisible)
  }
}
