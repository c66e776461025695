// `import TallyTesting` brings the stores in memory and what they speak of.
@_exported import TallyCore
@_exported import TallyMemory
@_exported import TallyRuntime
