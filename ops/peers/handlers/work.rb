# What `sidekiq -r` loads: one job, whose effect is two lines in a file that no store knows.
require "securerandom"
require "sidekiq"

class PeerEffect
  include Sidekiq::Worker

  EFFECTS = File.open(ENV.fetch("PEERS_EFFECTS"), File::WRONLY | File::APPEND | File::CREAT, 0o600)

  def perform(number, milliseconds)
    run = SecureRandom.hex(8)
    note("start", number, run)
    sleep(milliseconds / 1000.0)
    note("end", number, run)
  end

  private

  # One write of one line: appends of this size do not tear.
  def note(what, number, run)
    EFFECTS.syswrite(format("%s %d %d %.6f %s\n", what, number, Process.pid, Time.now.to_f, run))
  end
end
