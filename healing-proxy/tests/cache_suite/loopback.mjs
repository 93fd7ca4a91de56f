// Loaded before the suite's origin, which would listen on every address of the machine.
import net from 'node:net'

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...more) {
  return listen.call(this, { port: Number(port), host: '127.0.0.1', backlog: 1024 }, ...more)
}
