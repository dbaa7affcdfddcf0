import { takeUpNext } from '../server/schedule.ts'

// Runs the scheduled function once, as EventBridge does each minute on AWS.
const [board = 'main'] = process.argv.slice(2)
const moved = await takeUpNext({ time: new Date().toISOString() }, board)
console.log(moved.length === 0 ? 'nothing to take up' : `taken up: ${moved.join(', ')}`)
