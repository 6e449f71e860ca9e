import { encodeOnnx } from '../../examples/flights/src/onnx.ts'
import { realClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import { createOnnxThread } from '../../src/core/onnx/thread.ts'

/** A process that does nothing but answer one row, as the server would. */
const bytes = encodeOnnx({
  name: 'echo',
  inputs: [{ name: 'x', type: 'float', width: 1 }],
  outputs: [{ name: 'y', type: 'float', width: 1 }],
  constants: [],
  nodes: [{ op: 'Identity', inputs: ['x'], output: 'y' }],
})
const thread = createOnnxThread({ clock: realClock, log: createLogger('error') })
const { model } = await thread.open({ name: 'echo', read: async () => bytes })
const { values } = await thread.run(model, [{ x: 7 }])
process.stdout.write(JSON.stringify(values))
await thread.stop()
