export { Line, type LineProps, type LineSiteProps } from './line.ts'
