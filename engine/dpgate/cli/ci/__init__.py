"""`dpgate ci`: what jobs of a build server run, on GitHub, GitLab or from cron."""
