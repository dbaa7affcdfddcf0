import { lazyPart } from '../ports/lazy-part.ts'

export { loadParts } from '../ports/lazy-part.ts'

/** What kicks, presence and streams do when the application asks for it. */
export const operations = lazyPart([], () => import('../runtime/operations.ts'))
