interface EventsLike {
  addEventListener?(type: string, listener: (event: { readonly persisted?: boolean }) => void): void
  removeEventListener?(type: string, listener: (event: { readonly persisted?: boolean }) => void): void
}

/** The browser's page. React Native, workers and Node have none. */
const page = globalThis as unknown as EventsLike & { readonly document?: { readonly visibilityState?: string } }

/** Whether a browser shows nothing of the page. */
export function isPageHidden(): boolean {
  return page.document?.visibilityState === 'hidden'
}

interface PageListeners {
  /** The page is left and will not come back. */
  readonly onLeave: () => void
  /** The page came back from the browser's back/forward cache. */
  readonly onReturn: () => void
}

/** Calls the listeners when the page is left or comes back. Returns a function that stops them. */
export function watchPage({ onLeave, onReturn }: PageListeners): () => void {
  const onHide = ({ persisted }: { readonly persisted?: boolean }) => persisted !== true && onLeave()
  const onShow = ({ persisted }: { readonly persisted?: boolean }) => persisted === true && onReturn()
  page.addEventListener?.('pagehide', onHide)
  page.addEventListener?.('pageshow', onShow)
  return () => {
    page.removeEventListener?.('pagehide', onHide)
    page.removeEventListener?.('pageshow', onShow)
  }
}
