export { hourlySketches, saveHours } from './sketches.ts'
