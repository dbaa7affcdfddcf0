/** The browser's API for the network and page visibility. Node has none, so it counts as always online. */
interface BrowserLike {
  readonly navigator?: { readonly onLine?: boolean }
  readonly document?: EventsLike & { readonly visibilityState?: string }
}
interface EventsLike {
  addEventListener?(type: string, listener: () => void): void
  removeEventListener?(type: string, listener: () => void): void
}

const browser = globalThis as unknown as BrowserLike & EventsLike // neither Node's types nor the DOM's cover all of it

/** False only when a browser reports that there is no network. */
export function isOnline(): boolean {
  return browser.navigator?.onLine !== false
}

/** Calls `listener` when the network comes back or the page becomes visible. Returns a function that stops it. */
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
