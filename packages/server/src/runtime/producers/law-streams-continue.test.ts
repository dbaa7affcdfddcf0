import { describeScopes, printSearches } from './stream-scopes.suite.ts'

// Its own file, so that a long run uses two cores.
printSearches()
describeScopes('continue')
