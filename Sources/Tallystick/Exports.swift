// `import Tallystick` brings the whole vocabulary; the modules stay for those who need only a part.
@_exported import TallyCore
@_exported import TallyDuties
@_exported import TallyPostgres
@_exported import TallyPostgresClient
@_exported import TallyRedis
@_exported import TallyRuntime
