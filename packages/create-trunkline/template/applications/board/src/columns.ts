/** The columns from left to right, with their titles. The page and the server share this file. */
export const columns = { todo: 'To do', doing: 'Doing', done: 'Done' } as const
export type Column = keyof typeof columns
